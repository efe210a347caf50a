import { parseDevice, probeDevice } from '@fewstep/models';

// A process of its own, which a broken driver may end: says what is wrong with the device that it is given, or nothing.
try {
  await probeDevice(await parseDevice(process.argv[2]!));
} catch (error) {
  process.stdout.write((error as Error).message);
}
process.exit(0);
