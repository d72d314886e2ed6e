/** Cases that a server of others answers differently: name and reason. Servers are told by their change streams. */
export const gapsWithoutChangeStreams: Readonly<Record<string, string>> = {
  'a duplicate key text carries E11000': 'DocumentDB words the error in its own way; the code is the same',
  'a body: NUL in a collection': 'DocumentDB refuses it in words of its own',
  'a body: NUL in a database': 'DocumentDB refuses it in words of its own',
  'a body: the collection of commands': 'DocumentDB has no such collection, and nothing against the name',
}
