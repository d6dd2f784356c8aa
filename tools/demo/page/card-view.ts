import type { PartProgress } from '@longhaul/sdk';
import type { FailureText } from './failure-text.ts';
import { createPartCells } from './part-cells.ts';

/** What a card is doing; also its `data-phase`, which the style sheet reads. */
export type CardPhase =
  | 'opening'
  | 'sending'
  | 'paused'
  | 'completing'
  | 'cancelling'
  | 'completed'
  | 'cancelled'
  | 'failed';

/** What the buttons of a card ask for. */
export type CardAction = (typeof BUTTONS)[number];

/** One file's card: its element, and the ways to change what it shows. */
export interface CardView {
  readonly element: HTMLElement;
  /** Forgets a run that is over. */
  clear(): void;
  /** The phase, a word for it, and the buttons that make sense in it. */
  setPhase(phase: CardPhase, badge: string): void;
  setFigures(text: string): void;
  /** For assistive technology: from 0 to 100, and the same in words. */
  setPercent(percent: number, valueText: string): void;
  setPartCount(partCount: number): void;
  setPart(part: PartProgress): void;
  /** Every part is stored. */
  fill(): void;
  setFailure(failure: FailureText): void;
  setFacts(facts: Readonly<Record<string, string>>): void;
  setLink(href: string): void;
  redraw(): void;
}

const BUTTONS = ['retry', 'pause', 'resume', 'cancel', 'remove'] as const;

const CONTROLS_OF: Readonly<Record<CardPhase, readonly string[]>> = {
  opening: ['pause', 'cancel'],
  sending: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  completing: ['cancel'],
  cancelling: ['cancel'],
  completed: ['open', 'remove'],
  cancelled: ['retry', 'remove'],
  failed: ['retry', 'remove'],
};

/** Makes the card of a file from the page's template. */
export function createCardView(
  template: HTMLTemplateElement,
  name: string,
  onAction: (action: CardAction) => void,
): CardView {
  const element = find(template.content.cloneNode(true) as DocumentFragment, '.card');
  const at = (selector: string): HTMLElement => find(element, selector);
  const control = (action: string): HTMLElement => at(`[data-action="${action}"]`);
  const cells = createPartCells(find<HTMLCanvasElement>(element, 'canvas'));
  let canRetry = true;

  const setFacts = (facts: Readonly<Record<string, string>>): void => {
    at('.facts').hidden = Object.keys(facts).length === 0;
    at('.facts').replaceChildren(...Object.entries(facts).flatMap(factElements));
  };
  const showControls = (phase: CardPhase): void => {
    const shown = CONTROLS_OF[phase].filter((action) => action !== 'retry' || canRetry);
    for (const action of ['open', ...BUTTONS]) control(action).hidden = !shown.includes(action);
    control('cancel').toggleAttribute('disabled', phase === 'cancelling');
  };
  const setPhase = (phase: CardPhase, badge: string): void => {
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    at('.badge').textContent = badge;
    if (element.dataset.phase === phase) return;
    element.dataset.phase = phase;
    showControls(phase);
    // The button that was used may be gone: who works with the keyboard stays in this card.
    if (focused && !focused.checkVisibility()) at('.actions :not([hidden])').focus();
  };

  prepare(element, name, onAction);
  return {
    element,
    clear() {
      canRetry = true;
      at('.failure').hidden = true;
      setFacts({});
      cells.reset(1);
    },
    setPhase,
    setFigures: (text) => void (at('.figures').textContent = text),
    setPercent(percent, valueText) {
      at('.cells').setAttribute('aria-valuenow', String(Math.floor(percent)));
      at('.cells').setAttribute('aria-valuetext', valueText);
    },
    setPartCount: cells.reset,
    setPart: cells.update,
    fill: cells.fill,
    setFailure(failure) {
      ({ canRetry } = failure);
      at('.failure').hidden = false;
      at('.failure-title').textContent = failure.title;
      at('.failure-detail').textContent = failure.detail;
    },
    setFacts,
    setLink: (href) => control('open').setAttribute('href', href),
    redraw: cells.redraw,
  };
}

function prepare(element: HTMLElement, name: string, onAction: (action: CardAction) => void): void {
  find(element, '.name').textContent = name;
  find(element, '.cells').setAttribute('aria-label', `Parts of ${name}`);
  for (const control of element.querySelectorAll('[data-action]')) {
    // Several cards have the same buttons: a list of buttons must tell them apart.
    control.setAttribute('aria-label', `${control.textContent}: ${name}`);
  }
  for (const action of BUTTONS) {
    find(element, `[data-action="${action}"]`).addEventListener('click', () => onAction(action));
  }
}

function factElements([term, value]: readonly [string, string]): HTMLElement[] {
  const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
  dt.textContent = term;
  dd.textContent = value;
  return [dt, dd];
}

/** An element that `index.html` promises. */
export function find<Found extends HTMLElement = HTMLElement>(root: ParentNode, selector: string): Found {
  const found = root.querySelector<Found>(selector);
  if (!found) throw new Error(`index.html has no ${selector}`);
  return found;
}
