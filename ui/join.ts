/**
 * Takes what proves a person from behind the address's `#`, where no server and no log sees it, into the form, and out
 * of the address: what stands there would stay in the history.
 */
const field = document.getElementById('key');
const missing = document.getElementById('missing');
if (field instanceof HTMLInputElement) {
  const key = decoded(location.hash.slice(1));
  if (key !== '') field.value = key;
  field.closest('label')?.setAttribute('hidden', '');
  history.replaceState(null, '', location.pathname);
  if (field.value === '') {
    document.getElementById('join')?.setAttribute('hidden', '');
    missing?.removeAttribute('hidden');
  }
}

/** Mail programs may write an address with its signs encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
