declare module "fs-native-extensions" {
  /** Takes the kernel's lock on the open file, exclusively. False where another descriptor holds it. */
  export function tryLock(descriptor: number): boolean;
}
