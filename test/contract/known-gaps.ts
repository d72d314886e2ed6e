/** Cases that a server of others answers differently: name and reason. Servers are told by their change streams. */
export const gapsWithoutChangeStreams: Readonly<Record<string, string>> = {
  'a duplicate key text carries E11000': 'DocumentDB words the error in its own way; the code is the same',
}
