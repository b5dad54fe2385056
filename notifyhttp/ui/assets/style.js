// Looks, in logical properties only, so that right-to-left needs nothing. A host
// changes the custom properties, or the parts.

export const base = `
:host {
  --_accent: var(--notify-accent, light-dark(#174ea6, #a8c7fa));
  --_bg: var(--notify-bg, light-dark(#fff, #1f2023));
  --_fg: var(--notify-fg, light-dark(#1b1c1f, #e6e7ea));
  --_hover: var(--notify-hover, light-dark(#f1f3f6, #2a2c30));
  --_badge-bg: var(--notify-badge-bg, #b3261e);
  --_badge-fg: var(--notify-badge-fg, #fff);
  --_radius: var(--notify-radius, 8px);
  --_focus: var(--notify-focus, var(--_accent));
  all: initial;
  display: inline-block;
  color-scheme: light dark;
  direction: inherit;
}
:host > * { font: var(--notify-font-size, 1rem)/1.45 var(--notify-font, system-ui, sans-serif); color: var(--_fg) }
:host([theme=light]) { color-scheme: light }
:host([theme=dark]) { color-scheme: dark }
:host([hidden]) { display: none !important }
*, *::before { box-sizing: border-box }
button { font: inherit; color: inherit }
button {
  min-height: 32px; padding: 4px 10px; border: 1px solid transparent; border-radius: var(--_radius);
  background: none; cursor: pointer; text-decoration: none; color: inherit; display: inline-flex; align-items: center; gap: 6px;
}
button:hover { background: var(--_hover) }
button[disabled] { opacity: .55; cursor: default }
:focus { outline: none }
:focus-visible { outline: 2px solid var(--_focus); outline-offset: 2px }
.icon { width: 1.25em; height: 1.25em; fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none }
.hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
@media (pointer: coarse) { button { min-height: 44px; min-width: 44px } }
@media (prefers-reduced-motion: reduce) { *, *::before { animation: none !important; transition: none !important } }
`;

export const bell = `
[part=bell] { position: relative; width: 44px; height: 44px; padding: 0; justify-content: center; border-radius: 50% }
[part=bell] .icon, ::slotted([slot=icon]) { width: 24px; height: 24px }
[part=badge] {
  position: absolute; inset-block-start: 2px; inset-inline-end: 0; min-width: 18px; height: 18px; padding-inline: 4px;
  border-radius: 9px; background: var(--_badge-bg); color: var(--_badge-fg); font-size: 11px; line-height: 18px; text-align: center;
  forced-color-adjust: none; border: 1px solid var(--_bg); box-sizing: content-box;
}
[part=badge].dot { min-width: 10px; width: 10px; height: 10px; padding: 0; inset-block-start: 6px; inset-inline-end: 6px }
[part=badge][hidden] { display: none }
`;
