type Child = Node | string | number | false | undefined | null;
type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

/** An element: functions hear its events, `true` is an attribute without a value; a text is a text, whatever is in it. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value as EventListener);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children)
    if (child !== false && child !== undefined && child !== null)
      element.append(typeof child === 'number' ? String(child) : child);
  return element;
}

/** A choice among values, with what it is for said before it. */
export function select(
  label: string,
  choices: readonly (readonly [value: string, text: string])[],
  chosen: string,
  onChange: (value: string) => void,
): HTMLElement {
  const control = h(
    'select',
    { 'aria-label': label, change: () => onChange(control.value) },
    ...choices.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  );
  control.value = chosen;
  return h('label', { class: 'control' }, h('span', {}, label), control);
}

/** A table that scrolls by itself where it is wider than the page. */
export function scrolled(label: string, table: HTMLElement): HTMLElement {
  return h('div', { class: 'scrolled', role: 'region', 'aria-label': label, tabindex: 0 }, table);
}

/** Names and texts. */
export const pairs = (those: readonly (readonly [name: string, text: string])[]): HTMLElement =>
  h(
    'dl',
    { class: 'pairs' },
    ...those.map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text))),
  );

/** Made when it is looked at first. */
export function details(summary: string, make: () => Node): HTMLElement {
  const element = h(
    'details',
    {
      toggle: () => {
        if (element.open && element.children.length === 1) element.append(make());
      },
    },
    h('summary', {}, summary),
  );
  return element;
}
