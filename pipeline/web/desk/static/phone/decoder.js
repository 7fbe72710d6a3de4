// The worker that reads codes with zxing-wasm: { image, formats } in, { texts } or { error } out. It sees pictures, never what is stored.

import { prepareZXingModule, readBarcodes } from "./vendor/zxing/reader.js";

prepareZXingModule({ overrides: { locateFile: (name) => new URL(`./vendor/zxing/${name}`, import.meta.url).href } });

self.onmessage = async ({ data }) => {
  try {
    const found = await readBarcodes(data.image, { formats: data.formats, characterSet: "UTF8", tryHarder: true, maxNumberOfSymbols: 4 });
    self.postMessage({ texts: found.map((code) => code.text) });
  } catch (error) {
    self.postMessage({ error: error.name });
  }
};
