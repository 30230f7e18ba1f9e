import jsqr from 'jsqr'
import { PNG } from 'pngjs'

// The declarations are of a default export, which Node finds inside of what CommonJS exports.
const read = (jsqr as unknown as { default: (typeof jsqr)['default'] }).default

/** Reads the QR code in a picture, as the camera of a phone does: the PNG's pixels are all that it has. */
export function scannedUri(picture: Buffer): URL {
  const { data, width, height } = PNG.sync.read(picture)
  const code = read(new Uint8ClampedArray(data), width, height)
  if (!code) throw new Error('there is no QR code in the picture')
  return new URL(code.data)
}
