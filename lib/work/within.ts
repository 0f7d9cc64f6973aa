/** Resolves when one of them does, or after `timeout` ms. */
export async function within(timeout: number, ...either: Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeout)
  })
  await Promise.race([over, ...either])
  clearTimeout(timer)
}
