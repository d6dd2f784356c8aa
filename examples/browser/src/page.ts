// What index.html holds, with types.
export const file = document.querySelector('#file') as HTMLInputElement;
export const bar = document.querySelector('#bar') as HTMLProgressElement;
export const cancel = document.querySelector('#cancel') as HTMLButtonElement;
export const outcome = document.querySelector('#outcome') as HTMLElement;
