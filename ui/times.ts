/** Plain pages write moments in UTC, for they know no other: here each is put as the browser has it. */
for (const time of document.querySelectorAll('time')) {
  const at = new Date(time.dateTime);
  time.textContent = at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
