/** Hands over files that are picked, dropped anywhere on the page, or pasted. */
export function acceptFiles(input: HTMLInputElement, onFiles: (files: readonly File[]) => void): void {
  input.addEventListener('change', () => {
    onFiles([...(input.files ?? [])]);
    // Otherwise picking the same file again would not be a change.
    input.value = '';
  });

  // Entering a child leaves its parent: only the balance says whether the pointer is still on the page.
  let depth = 0;
  const setDepth = (next: number): void => {
    depth = next;
    document.documentElement.classList.toggle('dragging', depth > 0);
  };
  addEventListener('dragenter', () => setDepth(depth + 1));
  addEventListener('dragleave', () => setDepth(Math.max(0, depth - 1)));
  // Without this the browser would leave the page and show the file.
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    setDepth(0);
    onFiles(filesOf(event.dataTransfer));
  });
  addEventListener('paste', (event) => onFiles(filesOf(event.clipboardData)));
}

/** A folder looks like a file that cannot be read: it is left out. */
function filesOf(transfer: DataTransfer | null): readonly File[] {
  return [...(transfer?.items ?? [])]
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}
