/** One way in which a page can make its visitor's browser ask for something: code that it runs. */
export interface Way {
  readonly by: string;
  readonly code: (url: string) => string;
}

const frame = (attributes: string) =>
  `document.body.append(Object.assign(document.createElement('iframe'), ${attributes}))`;
const script = (code: string) =>
  JSON.stringify(`<body><script>${code}</script>`).replaceAll('</script>', '<\\/script>');
const form = (url: string, target: string) =>
  `{ const form = Object.assign(document.createElement('form'), { method: 'post', action: '${url}', target: '${target}' });
     document.body.append(form); setTimeout(() => form.submit()); }`;
const post = (url: string) => `fetch('${url}', { method: 'POST', mode: 'no-cors', credentials: 'include' })`;
const worker = (code: string) =>
  `new Worker(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' }))); 0`;

/** Ways to post with the visitor's cookies and no leave asked for. */
export const posts: readonly Way[] = [
  {
    by: 'XMLHttpRequest',
    code: url => `{ const x = new XMLHttpRequest(); x.open('POST', '${url}'); x.withCredentials = true; x.send(); }`,
  },
  {
    by: 'a request that outlives the page',
    code: url => `${post(url).replace('{', '{ keepalive: true,')}.catch(() => {}); 0`,
  },
  { by: 'a form in a new window', code: url => form(url, '_blank') },
  { by: 'a form in place of the page', code: url => form(url, '_top') },
  { by: 'a worker', code: url => worker(`${post(url)}.catch(() => {})`) },
  { by: 'a frame of its own making', code: url => frame(`{ srcdoc: ${script(post(url))} }`) },
  { by: 'a beacon with a form in it', code: url => `navigator.sendBeacon('${url}', new URLSearchParams('x=1')); 0` },
];

/** Ways to have something loaded with the visitor's cookies. */
export const loads: readonly Way[] = [
  { by: 'an image', code: url => `new Image().src = '${url}'` },
  {
    by: 'a script',
    code: url => `document.head.append(Object.assign(document.createElement('script'), { src: '${url}' }))`,
  },
  {
    by: 'a style sheet',
    code: url =>
      `document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '${url}' }))`,
  },
  { by: 'a stream of events', code: url => `new EventSource('${url}', { withCredentials: true }); 0` },
  {
    by: 'a film',
    code: url => `Object.assign(document.createElement('video'), { src: '${url}', preload: 'auto' }).load()`,
  },
  {
    by: 'a worker',
    code: url => worker(`fetch('${url}', { mode: 'no-cors', credentials: 'include' }).catch(() => {})`),
  },
];
