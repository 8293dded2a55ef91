import { unwalledNotice } from '../resources/boot.ts';
import type { App } from './dependencies.ts';
import { html } from './pages/html.ts';
import type { Settings } from './settings.ts';

/** Where students are not walled off from each other every plain page says so; the screens say it themselves. */
export function registerNotice(app: Pick<App, 'addHook'>, { unwalled }: Pick<Settings, 'unwalled'>): void {
  if (!unwalled) return;
  const notice = html`<aside class="unwalled" aria-label="Notice">${unwalledNotice}</aside>\n`.text;
  app.addHook('onSend', async (_request, reply, payload) => {
    if (typeof payload !== 'string' || !String(reply.getHeader('content-type')).startsWith('text/html')) return payload;
    reply.removeHeader('content-length');
    return payload.replace('<main', () => `${notice}<main`);
  });
}
