/** What `longhaul rotate --help` says. */
export const ROTATE_HELP = `longhaul rotate NODE_ID... --encryption MODE [options]

Gives objects that are complete another encryption, or another key. The store copies each to another object key, which is
printed; once the copy is proved, the old object is deleted. NODE_ID is the uploadId of the upload.

Stopped in the middle (Ctrl-C, crash), the store's work goes on: the same command joins it and tells its end. Once that is
reached, it tells the same again with sse-c; with sse-s3 and sse-kms it copies once more.

Options
  --encryption MODE    sse-s3, sse-kms or sse-kms:KEY (id, ARN or alias), sse-c with --key-file
  --key-file FILE      with sse-c: the new key, 32 bytes or those in base64; - is standard input. Keep it: without it the
                       object cannot be read. To make one: openssl rand -out new.key 32
  --old-key-file FILE  the key that the objects have, where they were stored with sse-c; - is standard input. Keep it until
                       the end
  --delete-versions    delete every version of the old objects, where the bucket keeps them; default is to hide the newest
  --coordinator URL    where the coordinator is; default LONGHAUL_COORDINATOR, or http://127.0.0.1:8787
  --header 'N: VALUE'  header for the coordinator's authorize hook; may be repeated. LONGHAUL_AUTHORIZATION sets
                       the authorization header without showing it in the list of processes
  --json               one JSON object per NODE_ID on stdout; progress still goes to stderr
  --help               this text

Keys are told to the coordinator, over https or on this machine, where its store takes them for the copy. Where the store
copies no object that has a key (Ceph), the command streams it, and tells them to the store alone; stopped, it goes on with
what is left by the same command.

Examples
  openssl rand -out new.key 32 && longhaul rotate NODE_ID --encryption sse-c --key-file new.key --old-key-file old.key
  longhaul rotate NODE_ID --encryption sse-kms:alias/films --delete-versions
  vault read film.key | longhaul rotate NODE_ID --encryption sse-s3 --old-key-file - --json | jq -r .result.key

Exit status
  0    every object has the encryption
  1    at least one has not; the message says why, and the object is as it was
  2    the command was not understood
  130  stopped by Ctrl-C; run the same command again
`;
