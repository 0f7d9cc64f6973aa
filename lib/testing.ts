/** The door for tests: `millrace/testing`. What is public is named here, and nothing else is done here. */

export {
  createTestQueue,
  type TestClock,
  type TestQueue,
  type TestQueueOptions,
} from './testing/test-queue.ts'
