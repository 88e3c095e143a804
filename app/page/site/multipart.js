// Reads the two parts of a multipart/mixed answer (RFC 2046, 5.1), whose parts carry Content-Length.

const text = new TextDecoder("latin1");

/** Return the parts of `body`, an ArrayBuffer, as blobs; throws on anything else than that. */
export function partsOf(body, contentType) {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (!boundary) throw new Error("no boundary");
  const delimiter = `--${boundary}`;
  const found = [];
  let at = 0;
  for (;;) {
    const endOfHead = at + 1024; // far more than the service writes
    const head = text.decode(body.slice(at, Math.min(endOfHead, body.byteLength)));
    if (head.startsWith(`${delimiter}--`)) return found;
    const headLength = head.indexOf("\r\n\r\n");
    const type = /\r\ncontent-type: *([^\r]+)/i.exec(head)?.[1];
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (!head.startsWith(delimiter) || headLength < 0 || !type || Number.isNaN(length)) {
      throw new Error("not a multipart body");
    }
    const start = at + headLength + 4;
    if (start + length > body.byteLength) throw new Error("a part is cut short");
    found.push(new Blob([body.slice(start, start + length)], { type }));
    at = start + length + 2;
  }
}
