/** Served by the build: the app folder that is being bundled. */
declare module 'atlas-edge:app' {
  export const built: import('../runtime/function-module.ts').BuiltApp
}
