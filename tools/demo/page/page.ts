import { createUploader } from '@longhaul/sdk';
import { find } from './card-view.ts';
import { acceptFiles } from './file-drop.ts';
import { formatPercent } from './format.ts';
import { startUploadCard, type UploadCard } from './upload-card.ts';

const TICK_MS = 1_000;

const uploader = createUploader({ coordinator: location.origin });
const cards = new Set<UploadCard>();
const list = find(document, '#cards');
const announcer = find(document, '#announcer');
const template = find<HTMLTemplateElement>(document, '#card');

acceptFiles(find<HTMLInputElement>(document, '#pick'), addFiles);
setInterval(tick, TICK_MS);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const card of cards) card.redraw();
});

function addFiles(files: readonly File[]): void {
  for (const file of files) {
    const card = startUploadCard({ file, uploader, template, announce, onRemove: () => remove(card) });
    cards.add(card);
    list.append(card.element);
  }
  find(document, '#legend').hidden = false;
}

function remove(card: UploadCard): void {
  const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
  cards.delete(card);
  card.element.remove();
  find(document, '#legend').hidden = cards.size === 0;
  // The focus must not fall out of the page with the card.
  const heir = next?.querySelector<HTMLElement>('.actions :not([hidden])') ?? find(document, '#pick');
  heir.focus();
}

function announce(text: string): void {
  announcer.textContent = text;
}

function tick(): void {
  const running = [...cards].filter((card) => card.isRunning);
  for (const card of running) card.tick(performance.now());
  const sentBytes = running.reduce((sum, card) => sum + card.sentBytes, 0);
  const totalBytes = running.reduce((sum, card) => sum + card.totalBytes, 0);
  const title = 'Longhaul demo';
  document.title = running.length > 0 ? `${formatPercent(sentBytes, totalBytes)} · ${title}` : title;
}
