import { parseArgs } from 'node:util';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { CoordinatorOptions } from '../../coordinator-options.ts';
import { cancelUploadAsOperator } from '../../maintenance.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING, readUuid, UsageError } from '../command.ts';
import { withPorts } from '../with-ports.ts';

/** `longhaul-coordinator cancel` */
export const cancel: Command = {
  name: 'cancel',
  summary: 'end one upload for good, as its client could',
  help: `longhaul-coordinator cancel UPLOAD_ID [--json]

Ends an upload for good, as its client could, and lets go of its parts at the store. An upload that is being completed is
not touched: the wish is remembered, and honoured if the store refuses the completion. What is complete stays complete.

Options
  --json   one JSON object on stdout: { "uploadId", "state" }

Exit status: 0 the upload has ended without an object, or will; 1 it is complete, or there is none; 2 usage.

${HELP_ENDING}`,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [given, ...others] = positionals;
    if (others.length > 0) throw new UsageError('One UPLOAD_ID at a time.');
    const uploadId = readUuid('UPLOAD_ID', given);
    const state = await withPorts(world, ({ options }) => cancelUpload(options, uploadId, world));
    world.say(
      values.json ? JSON.stringify({ uploadId, state }) : `${uploadId} is ${state}${MEANINGS[state] ?? '.'}`,
    );
    return state === 'COMPLETED' ? EXIT.failed : EXIT.done;
  },
};

async function cancelUpload(
  options: CoordinatorOptions,
  uploadId: string,
  { report }: CliWorld,
): Promise<string> {
  try {
    return (await cancelUploadAsOperator(options, uploadId)).state;
  } catch (error) {
    if (error instanceof CoordinatorError && error.code === 'upload-completing') return 'COMPLETING';
    const record = await options.catalog.find(uploadId);
    if (record?.state !== 'ABORTING') throw error;
    // The store did not let go of it now: it will be asked again.
    report(error);
    return record.state;
  }
}

/** What a state means to somebody who wanted to cancel. */
const MEANINGS: Readonly<Record<string, string>> = {
  COMPLETED: ': the object is whole and stays.',
  COMPLETING: ': your wish is remembered, and honoured if the store refuses the completion.',
  ABORTING: ': the sweeper ends it once the store lets go of it and nothing of it can be under way there.',
  EXPIRED: ' already.',
  FAILED: ' already.',
};
