/** The package ships types that its `exports` do not name. */
declare module '@saibotsivad/mongodb' {
  type Action = (body: object) => Promise<unknown>
  export function mongodb(options: {
    apiKey: string
    apiUrl: string
    dataSource: string
    database: string
    collection: string
  }): Record<
    | 'findOne'
    | 'find'
    | 'insertOne'
    | 'insertMany'
    | 'updateOne'
    | 'updateMany'
    | 'replaceOne'
    | 'deleteOne'
    | 'deleteMany'
    | 'aggregate',
    Action
  >
}
