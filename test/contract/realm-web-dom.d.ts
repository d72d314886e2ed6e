/** The build of the Web SDK for browsers: the other one has no redirects. */
declare module 'realm-web/dist/bundle.dom.cjs.js' {
  export * from 'realm-web'
}
