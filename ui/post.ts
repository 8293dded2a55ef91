/** Posts the page's only form at once: the ticket travels in a body, never in an address. */
const form = document.getElementById('post');
if (form instanceof HTMLFormElement) form.submit();
