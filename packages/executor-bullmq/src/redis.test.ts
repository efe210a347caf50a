import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkInfo, openRedis, readAddress } from './redis.js';

afterEach(() => vi.unstubAllEnvs());
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_REDIS', message: expect.stringMatching(message) });

describe('the address of a Redis', () => {
  it('holds who asks, where, which database, whether it is encrypted, and how long a worker may be silent', () => {
    expect(readAddress('rediss://lab:p%40ss@redis.lab:7000/3?lock=5')).toMatchObject({
      connection: {
        ...{ host: 'redis.lab', port: 7000, db: 3, username: 'lab', password: 'p@ss', tls: {} },
      },
      lockMs: 5000,
    });
    const plain = readAddress('redis://[::1]');
    expect(plain).toMatchObject({ connection: { host: '::1', port: 6379, db: 0 }, lockMs: 30_000 });
    expect(Object.keys(plain.connection)).not.toContain('tls');
  });

  it('is shown without its password, in errors too', async () => {
    expect(readAddress('redis://lab:hush-hush@host').shown).toBe('redis://…@host');
    expect(() => readAddress('redis://lab:hush-hush@host/x')).toThrow(
      refusal(/^"redis:\/\/…@host\/x" is no/),
    );
    await expect(openRedis('redis://lab:hush-hush@127.0.0.1:1')).rejects.toThrow(
      refusal(/^redis:\/\/…@127\.0\.0\.1:1 can't be used \(.*ECONNREFUSED.*\): a Redis must answer there/),
    );
  });

  it('is that of the environment where none is given', () => {
    vi.stubEnv('FEWSTEP_REDIS', undefined);
    expect(() => readAddress(undefined)).toThrow(refusal(/^no Redis is named: .*FEWSTEP_REDIS/));
  });

  it.each([
    ['localhost', /is no address/],
    ['http://host', /is no address/],
    ['redis://', /is no address/],
    ['redis://host?prefix=a', /lock=SECONDS alone, and not "prefix"/],
    ['redis://host?lock=0', /lock is a number of seconds, 1 to 3600/],
  ])('not %s', (address, message) => {
    expect(() => readAddress(address)).toThrow(refusal(message));
  });
});

describe('what a Redis says of itself', () => {
  const info = (version: string, policy = 'noeviction') =>
    `# Server\r\nredis_version:${version}\r\n# Memory\r\nmaxmemory_policy:${policy}\r\n`;
  it.each(['6.2.0', '7.0.15', '10.1.1'])('%s does', (version) => {
    expect(() => checkInfo(info(version), 'redis://host')).not.toThrow();
  });
  it.each(['5.0.14', '6.0.16', 'nothing'])('%s is too old', (version) => {
    expect(() => checkInfo(info(version), 'redis://host')).toThrow(refusal(/takes 6\.2 or newer/));
  });
  it('and it may throw away nothing', () => {
    expect(() => checkInfo(info('7.0.15', 'allkeys-lru'), 'redis://host')).toThrow(
      refusal(
        /^redis:\/\/host throws away .*\(maxmemory-policy allkeys-lru\).*: set maxmemory-policy noeviction/,
      ),
    );
  });
});
