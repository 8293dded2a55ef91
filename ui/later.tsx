import { signal } from '@preact/signals';
import { type ComponentChild, type ComponentType, createElement } from 'preact';

/**
 * A component whose code is fetched when it is first shown: what is seldom wanted costs nothing until then. `load`
 * runs once; a failure is told in its place, with a way to load the page anew.
 */
export function later<Props>(load: () => Promise<ComponentType<Props>>): (props: Props) => ComponentChild {
  const loaded = signal<{ readonly Component: ComponentType<Props> } | null>(null);
  const failed = signal(false);
  let asked = false;
  const ask = () => {
    asked = true;
    load().then(
      Component => {
        loaded.value = { Component };
      },
      () => {
        failed.value = true;
      },
    );
  };
  return props => {
    if (!asked) ask();
    if (loaded.value) return createElement(loaded.value.Component, { ...props, key: 'loaded' });
    if (!failed.value) return null;
    return (
      <p class="problem" role="alert">
        This part of the page could not be loaded. <a href={location.href}>Load the page anew</a>
      </p>
    );
  };
}
