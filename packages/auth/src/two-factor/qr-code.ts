import QRCode from 'qrcode'

/** One QR code in two forms: markup, and a PNG as the address of an image. */
export interface QrCode {
  readonly svg: string
  readonly png: string
}

/** The QR code of a text. */
export async function qrCode(text: string): Promise<QrCode> {
  const options = { errorCorrectionLevel: 'M', margin: 2 } as const
  const [svg, png] = await Promise.all([
    QRCode.toString(text, { ...options, type: 'svg' }),
    QRCode.toDataURL(text, { ...options, scale: 6 }),
  ])
  return { svg, png }
}
