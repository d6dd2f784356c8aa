interface ImportMetaEnv {
  /** Where the coordinator is. Vite puts the environment's value in its place. */
  readonly VITE_COORDINATOR: string;
}

interface ImportMeta {
  readonly env: ImportMetaEnv;
}
