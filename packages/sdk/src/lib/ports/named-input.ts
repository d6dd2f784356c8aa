/** Something to upload, under the name that is kept with it: what a walk through a folder finds. */
export interface NamedInput<Input> {
  /** What the uploader takes; or a function that is called for it when its turn has come, and may throw or reject. */
  readonly input: Input | (() => Input | Promise<Input>);
  /** Path below the folder, the folder's own name first, with `/` between the steps: `photos/2024/cat.jpg`. */
  readonly name: string;
  /** Where it is known before the upload has begun: for the total. */
  readonly sizeBytes?: number;
}
