/** What the configuration depends on. */
export interface CephConfigurationInput {
  readonly folder: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly gatewayPort: number;
  readonly tls: { readonly port: number; readonly certificateFile: string; readonly keyFile: string };
  /** Where objects are kept; `bluestore`, on disk, for more of them than memory holds. */
  readonly objectStore: 'memstore' | 'bluestore';
  /** Keys of SSE-KMS: name and 256 bits in base64. */
  readonly kmsKeys: Readonly<Record<string, string>>;
  readonly logFile: (daemon: string) => string;
}

/** The text of ceph.conf for one monitor, one storage daemon and one gateway on loopback. */
export function cephConfiguration(input: CephConfigurationInput): string {
  const { folder, fsid, monitorPort, gatewayPort, tls, objectStore, logFile } = input;
  const kmsKeys = Object.entries(input.kmsKeys).map(([name, key]) => `${name}=${key}`);
  return `[global]
fsid = ${fsid}
mon host = v2:127.0.0.1:${monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
run dir = ${folder}
admin socket =
crash dir = ${folder}/crash
pid file =
# One copy of everything is all there can be.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 10000
# A round of the monitor takes a second by default; the start consists of such rounds.
paxos propose interval = 0.05
paxos min wait = 0.01
[mon]
mon data = ${folder}/mon
mon initial members = a
log file = ${logFile('mon')}
# Monitors refuse to work on a disk that is more than 70 % full by default.
mon data avail warn = 2
mon data avail crit = 1
[osd]
osd data = ${folder}/osd
osd objectstore = ${objectStore}
memstore device bytes = 8589934592
bluestore block size = 34359738368
osd class update on start = false
log file = ${logFile('osd')}
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort} ssl_endpoint=127.0.0.1:${tls.port} ssl_certificate=${tls.certificateFile} ssl_private_key=${tls.keyFile}
rgw data = ${folder}/rgw
log file = ${logFile('rgw')}
# The built-in default, secure, never connects without cephx.
ms mon client mode = crc
# SSE-C over plain http, which AWS and Ceph refuse by default.
rgw crypt require ssl = false
# A key service of its own, for tests as its name says: it takes the keys from this file.
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ${kmsKeys.join(' ')}
rgw thread pool size = 32
rgw dns name = localhost
rgw enable usage log = false
`;
}
