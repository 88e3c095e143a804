// Makes ZIP archives without compression, since JPEGs would not get smaller (PKWARE APPNOTE 6.3.10, 4.3).

const MAX_BYTES = 0xffffffff;
const MAX_COUNT = 0xffff;
const UTF8_NAMES = 0x0800;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

/** Return `files`, [[name, Blob], …], as one Blob; throws when they exceed the limits of ZIP without ZIP64. */
export async function zip(files, now = new Date()) {
  const pieces = [];
  const directory = [];
  let offset = 0;
  for (const [name, blob] of withUniqueNames(files)) {
    const encoded = new TextEncoder().encode(name);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    const common = [
      [2, 20], [2, UTF8_NAMES], [2, 0], [2, dosTime(now)], [2, dosDate(now)],
      [4, crc], [4, blob.size], [4, blob.size], [2, encoded.length], [2, 0],
    ];
    pieces.push(record(0x04034b50, common), encoded, blob);
    directory.push(
      record(0x02014b50, [[2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      encoded,
    );
    offset += 30 + encoded.length + blob.size;
  }
  const directoryBytes = directory.reduce((sum, piece) => sum + piece.byteLength, 0);
  if (offset + directoryBytes > MAX_BYTES || files.length > MAX_COUNT) {
    throw new Error("These photos are too large for one archive. Download them one by one.");
  }
  const end = record(0x06054b50, [
    [2, 0], [2, 0], [2, files.length], [2, files.length], [4, directoryBytes], [4, offset], [2, 0],
  ]);
  return new Blob([...pieces, ...directory, end], { type: "application/zip" });
}

/** Yield the files; a name that occurs again gets a number. Case is ignored, as in some file systems. */
function* withUniqueNames(files) {
  const taken = new Set();
  for (const [name, blob] of files) {
    let unique = name.replaceAll(/[\\/]/g, "_");
    for (let count = 2; taken.has(unique.toLowerCase()); count += 1) {
      unique = name.replace(/(\.[^.]*)?$/, ` (${count})$1`);
    }
    taken.add(unique.toLowerCase());
    yield [unique, blob];
  }
}

function record(signature, fields) {
  const all = [[4, signature], ...fields];
  const view = new DataView(new ArrayBuffer(all.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of all) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return view.buffer;
}

function dosTime(when) {
  return (when.getHours() << 11) | (when.getMinutes() << 5) | (when.getSeconds() >> 1);
}

function dosDate(when) {
  return ((when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate();
}
