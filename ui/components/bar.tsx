import type { ComponentChildren } from 'preact';
import { type Boot, unwalledNotice } from '../../api/resources/boot.ts';
import { lost } from '../live.ts';

const roleWords = { student: 'Student', staff: 'Assistant', instructor: 'Instructor' };

/** The top of every page: the product's name, where one may go, who one is, and the way out. */
export function Bar({ boot, children }: { boot: Boot; children?: ComponentChildren }) {
  return (
    <>
      <header class="bar">
        <a class="skip" href="#main">
          To the content
        </a>
        <a class="brand" href="/">
          Armada
        </a>
        {children}
        <span class="grow" />
        <span class="lost" role="status">
          {lost.value && 'Reconnecting…'}
        </span>
        {boot.outbox && <a href="/outbox">Outbox</a>}
        <details class="menu end">
          <summary>
            <bdi>{boot.person.name}</bdi>
          </summary>
          <div class="sheet">
            <p class="mute" dir="auto">
              {boot.person.email}
              <br />
              {roleWords[boot.person.role]}
            </p>
            {boot.person.role === 'staff' && <a href="/?stay">Your own workspaces</a>}
            <form method="post" action="/sign-out">
              <button type="submit">Sign out</button>
            </form>
          </div>
        </details>
      </header>
      {boot.unwalled && (
        <aside class="unwalled" aria-label="Notice">
          {unwalledNotice}
        </aside>
      )}
      {boot.sharedOrigin && (
        <aside class="unwalled" aria-label="Notice">
          Without a domain of its own all workspaces share one address: a page that one student serves can act in
          another’s workspace if its owner, or you, opens it. Give the deployment a domain to part them.
        </aside>
      )}
    </>
  );
}
