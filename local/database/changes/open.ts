export function openChangeStream(): never {
  throw new Error('no')
}
