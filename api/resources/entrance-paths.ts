/** The home as a zip archive, at its gate, for whoever may come in. A link may lead here through the portal. */
export const filesPath = '/.gate/files.zip';
