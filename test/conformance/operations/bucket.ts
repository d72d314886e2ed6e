import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Document, GridFSBucket, GridFSBucketWriteStream } from 'mongodb'
import { InvalidTestError } from '../errors.ts'
import type { OperationTable } from './operation.ts'

export const bucketOperations: OperationTable<GridFSBucket> = {
  delete: (bucket, { id, ...options }) => bucket.delete(id, options),
  download: (bucket, { id, ...options }) => contents(bucket.openDownloadStream(id, options)),
  downloadByName: (bucket, { filename, ...options }) => contents(bucket.openDownloadStreamByName(filename, options)),
  drop: (bucket, options) => bucket.drop(options),
  find: (bucket, { filter, ...options }) => bucket.find(filter, options).toArray(),
  rename: (bucket, { id, newFilename, ...options }) => bucket.rename(id, newFilename, options),
  upload: (bucket, { filename, source, ...options }) => upload(bucket.openUploadStream(filename, options), source),
  uploadWithId: (bucket, { id, filename, source, ...options }) =>
    upload(bucket.openUploadStreamWithId(id, filename, options), source),
}

async function contents(stream: Readable): Promise<Buffer> {
  return Buffer.concat(await stream.toArray())
}

async function upload(stream: GridFSBucketWriteStream, source: Document): Promise<unknown> {
  const hex: unknown = source.$$hexBytes
  if (typeof hex !== 'string' || !/^([0-9a-f]{2})*$/i.test(hex)) throw new InvalidTestError('a source is $$hexBytes')
  await pipeline(Readable.from([Buffer.from(hex, 'hex')]), stream)
  return stream.gridFSFile?._id
}
