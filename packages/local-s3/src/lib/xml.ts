import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';

/** Namespace of every answer of S3 but the error document. */
export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** What an element may hold: text, children, or several of them; `undefined` leaves the element out. */
export type XmlValue = string | number | boolean | undefined | XmlObject | readonly XmlValue[];

/** Child elements by name. */
export interface XmlObject {
  readonly [name: string]: XmlValue;
}

const builder = new XMLBuilder({ ignoreAttributes: false, suppressEmptyNode: false });
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false });

/** An XML document with one root element. Control characters become references, as S3 writes them. */
export function writeXml(root: string, content: XmlObject, namespace?: string): string {
  const attributes = namespace === undefined ? {} : { '@_xmlns': namespace };
  const text: string = builder.build({
    '?xml': { '@_version': '1.0', '@_encoding': 'UTF-8' },
    [root]: { ...attributes, ...content },
  });
  // The builder adds no white space of its own, so each control character comes from a value.
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f]/g, (character) => `&#x${character.charCodeAt(0).toString(16)};`);
}

/** Children of the root element, or `undefined` when the text is no such document. */
export function readXml(text: string, root: string): ParsedXml | undefined {
  const document = parse(text);
  const content = isParsed(document) ? document[root] : undefined;
  if (content === '') return {};
  return isParsed(content) ? content : undefined;
}

/** The parser alone would take half a document for a whole one. Neither of the two may meet a document type. */
function parse(text: string): unknown {
  if (text.trim() === '' || text.includes('<!DOCTYPE') || XMLValidator.validate(text) !== true)
    return undefined;
  try {
    return parser.parse(text);
  } catch (error) {
    // It throws on what it will not take, such as elements that are nested too deep.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** An element that has children. */
export interface ParsedXml {
  readonly [name: string]: unknown;
}

/** Every element of that name. */
export function elementsOf(parent: ParsedXml, name: string): readonly unknown[] {
  const value = parent[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Text of the only element of that name; `undefined` when there is none, or several, or it has children. */
export function textOf(parent: ParsedXml, name: string): string | undefined {
  const value = parent[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether the value is an element with children. */
export function isParsed(value: unknown): value is ParsedXml {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
