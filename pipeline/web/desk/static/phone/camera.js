// Codes from the camera: by the browser's own BarcodeDetector where it has one that knows our codes, else by zxing in a worker.
// The worker's script alone may run WebAssembly (pipeline/web/desk/phone.py says why).

export const TUBE = Object.freeze({ own: ["qr_code", "code_128", "code_39", "data_matrix"], zxing: ["QRCode", "Code128", "Code39", "DataMatrix"] });
export const CARD = Object.freeze({ own: ["qr_code"], zxing: ["QRCode"] });

const BETWEEN_MS = 100;
const WIDTH = 1280;

const pause = () => new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));

// Show the back camera in `video` until a code is read that `take` says true to, or `signal` is aborted. Throws where there is no camera.
export async function scan(video, codes, take, signal) {
  if (!navigator.mediaDevices) throw new DOMException("no camera", "NotFoundError");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: WIDTH } } });
  let reader = null;
  try {
    signal.throwIfAborted();
    video.srcObject = stream;
    await video.play();
    reader = await newReader(codes);
    video.dataset.reader = reader.name;
    while (!signal.aborted) {
      for (const text of await reader.read(video)) {
        if (!signal.aborted && (await take(text))) return;
      }
      await pause();
    }
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    reader?.end();
  }
}

async function newReader(codes) {
  const known = "BarcodeDetector" in globalThis ? await BarcodeDetector.getSupportedFormats() : [];
  return codes.own.every((code) => known.includes(code)) ? ownReader(codes.own) : zxingReader(codes.zxing);
}

function ownReader(formats) {
  const detector = new BarcodeDetector({ formats });
  return {
    name: "own",
    read: async (video) => (await detector.detect(video)).map((code) => code.rawValue),
    end: () => undefined,
  };
}

function zxingReader(formats) {
  const worker = new Worker("/assets/phone/decoder.js", { type: "module" });
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = (video) => new Promise((resolve, reject) => {
    if (!video.videoWidth) return resolve([]);
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    context.drawImage(video, 0, 0);
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.texts));
    worker.onerror = () => reject(new Error("decoder"));
    worker.postMessage({ image, formats }, [image.data.buffer]);
  });
  return { name: "zxing", read, end: () => worker.terminate() };
}
