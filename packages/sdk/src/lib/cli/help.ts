/** What `longhaul --help` says. */
export const HELP = `longhaul upload FILE... [options]
... | longhaul upload - --name NAME [--expect-size SIZE] [options]
longhaul rotate NODE_ID... --encryption MODE [options]   another encryption for what is uploaded: longhaul rotate --help

Uploads files straight into S3, in parallel parts, through the URLs that a coordinator hands out.
Stopped in the middle (Ctrl-C, crash, power cut), the same command goes on where it stopped: with the files that were under
way. Those that were complete are uploaded again, as new objects.

With - it uploads what comes from standard input, which cannot be resumed. The end of the input is the end of the
object: a program that breaks off in front of the pipe looks like one that is done. So say the size with --expect-size
if you know it (then nothing is stored unless exactly that has come), and \`set -o pipefail\` to hear of the failure.

Options
  --coordinator URL    where the coordinator is; default LONGHAUL_COORDINATOR, or http://127.0.0.1:8787
  --connector ID       group of the uploads, stands in the object key; default "default"
  --content-type TYPE  media type of the files; default application/octet-stream
  --encryption MODE    encryption at rest: sse-s3, sse-kms or sse-kms:KEY (id, ARN or alias), sse-c with --key-file; default
                       that of the coordinator, or of the bucket
  --key-file FILE      with sse-c: your key, 32 bytes or those in base64. It goes to the store and to nobody else; without it
                       the object cannot be read, and the upload not be resumed
  --entrust-key        with sse-c: lets the coordinator know the key for a while, where its store cannot do without
  --header 'N: VALUE'  header for the coordinator's authorize hook; may be repeated. LONGHAUL_AUTHORIZATION sets
                       the authorization header without showing it in the list of processes
  --name NAME          with -: the name kept with the object
  --expect-size SIZE   with -: how many bytes will come: 1234567, 20GiB
  --max-rate RATE      most bytes per second over all parts together: 40M, 500k, 2.5MiB
  --concurrency N      parts in flight at once; default 8
  --part-size SIZE     largest part, 5MiB to 5GiB; default by the speed of the line. The coordinator may raise it
  -r, --recursive      folders too: every file below them, hidden ones included, sorted by name. A file is kept under its path
                       from the folder's name on (photos/2024/cat.jpg); the coordinator chooses the object key as ever.
                       What cannot be read is reported, and the others go on; empty folders are nothing
  --follow-links       with -r: follow symbolic links; default is to leave them out and to say so
  --json               one JSON object per file on stdout; progress still goes to stderr
  --help               this text; longhaul --version says which version this is

M is 10⁶ bytes, MiB is 2²⁰. What is needed to resume is kept in $XDG_STATE_HOME/longhaul, or ~/.local/state/longhaul.

Examples
  longhaul upload film.mp4
  longhaul upload -r photos --json > uploaded.jsonl
  longhaul upload *.tar --connector backups --max-rate 40M
  set -o pipefail; pg_dump shop | longhaul upload - --name shop.sql
  tar c photos | longhaul upload - --name photos.tar --expect-size $(tar c photos | wc -c)
  openssl rand -out film.key 32 && longhaul upload film.mp4 --encryption sse-c --key-file film.key
  longhaul upload film.mp4 --content-type video/mp4 --json | jq -r .key
  LONGHAUL_COORDINATOR=https://uploads.example.com longhaul upload film.mp4

Exit status
  0    every file is in the store, whole
  1    at least one is not; the message says what to do
  2    the command was not understood
  130  stopped by Ctrl-C; run the same command again to resume (with -, nothing was stored)
`;
