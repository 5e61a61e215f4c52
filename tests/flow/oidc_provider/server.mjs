// A certified OpenID provider that others wrote, with an API, for tests/flow/test_oidc_provider.py.
//
// Rule: it judges by its own code alone; what stands here is configuration, what it tells of itself, and a person who
// says yes to everything. Usage: node server.mjs FOLDER, where FOLDER/node_modules was installed by `make test`; the
// first line of its input is the configuration, its first line of output says where it listens, and it ends with its
// input. Source: RFC 6749, 7009, 7523, 7636, 8414, 8705, 8707, 9449.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Provider, errors } = await load('oidc-provider');
const { EmbeddedJWK, calculateJwkThumbprint, jwtVerify } = await load('jose');

const PERSON = 'ann';
const ALGORITHMS = [
  'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
];
const RESOURCES = { 'https://files.example.test/': 'read write', 'https://mail.example.test/': 'read send' };

// What it saw since it was last asked, told at /_test/seen: true reasons of refusals, client assertions,
// grants given, tokens revoked.
const seen = { errors: [], assertions: [], grants: [], revoked: [] };
const forget = () => Object.fromEntries(Object.entries(seen).map(([name, list]) => [name, list.splice(0)]));

// What the server knows of a refusal and does not say to the client.
function note(event) {
  return (ctx, error) => seen.errors.push({
    event,
    client_id: ctx.oidc?.client?.clientId,
    error: error.message,
    description: error.error_description,
    detail: error.error_detail,
    trace: event === 'server_error' ? error.stack : undefined,
  });
}

// The certificate of the connection: TLS proves that its owner is at the other end, whoever signed it.
function getCertificate({ socket }) {
  const raw = socket.getPeerCertificate?.().raw;
  return raw && `-----BEGIN CERTIFICATE-----\n${raw.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----`;
}

async function getResourceServerInfo(_ctx, resource) {
  if (!(resource in RESOURCES)) throw new errors.InvalidTarget();
  return { scope: RESOURCES[resource], audience: resource, accessTokenFormat: 'opaque' };
}

async function assertJwtClientAuthClaimsAndHeader(ctx, claims, header, client) {
  seen.assertions.push({ client_id: client.clientId, header, claims });
  if (ctx.oidc.isFapi('2.0') && claims.aud !== ctx.oidc.issuer) {
    throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier url');
  }
}

function configuration(clients) {
  return {
    clients,
    // What a test calls expired is expired: no second more.
    clockTolerance: 0,
    clientAuthMethods: [
      'none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'self_signed_tls_client_auth',
    ],
    enabledJWA: { clientAuthSigningAlgValues: ALGORITHMS },
    // Ours: which clients have to bring a nonce with their proofs, and which the strict profile holds for.
    extraClientMetadata: { properties: ['nonce_required', 'fapi'] },
    assertJwtClientAuthClaimsAndHeader,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: {
        enabled: true,
        nonceSecret: randomBytes(32),
        requireNonce: (ctx) => Boolean(ctx.oidc.client?.nonce_required) || ctx.oidc.route === 'userinfo',
      },
      fapi: { enabled: true, profile: (_ctx, client) => (client?.fapi ? '2.0' : undefined) },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      mTLS: { enabled: true, selfSignedTlsClientAuth: true, certificateBoundAccessTokens: true, getCertificate },
      resourceIndicators: { enabled: true, getResourceServerInfo, defaultResource: (_ctx, _client, one) => one, useGrantedResource: () => true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, interaction) => `/_test/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access', 'read', 'write'],
    ttl: {
      AccessToken: 600, AuthorizationCode: 60, ClientCredentials: 600, Grant: 3600, IdToken: 600, Interaction: 60,
      RefreshToken: 3600, Session: 3600,
    },
  };
}

// The person at the browser: signs in, and agrees to what is asked.
async function agree(provider, req, res) {
  const { prompt, params, session } = await provider.interactionDetails(req, res);
  if (prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: PERSON } }, { mergeWithLastSubmission: false });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, params.scope);
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

function reply(res, status, body, headers = {}) {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(body));
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('base64url');

// The key of the DPoP proof at the API (RFC 9449 section 4.3); undefined where it proves nothing.
async function proven(req, url, token) {
  try {
    const { payload, protectedHeader } = await jwtVerify(req.headers.dpop, EmbeddedJWK, { typ: 'dpop+jwt', maxTokenAge: 60 });
    if (payload.htm !== req.method || payload.htu !== url || payload.ath !== digest(token) || !payload.jti) return undefined;
    return calculateJwkThumbprint(protectedHeader.jwk);
  } catch {
    return undefined;
  }
}

// The API: says whose token it was called with. A token bound to a key or a certificate is taken with that alone.
async function api(provider, url, req, res) {
  const [scheme, value = ''] = (req.headers.authorization ?? '').split(' ');
  const token = await provider.ClientCredentials.find(value) ?? await provider.AccessToken.find(value);
  const asked = token?.jkt ? 'DPoP' : 'Bearer';
  const bound = token?.['x5t#S256'];
  const held = token && scheme === asked
    && (!token.jkt || token.jkt === await proven(req, url, value))
    && (!bound || bound === digest(req.socket.getPeerCertificate?.().raw ?? ''));
  if (!held) return reply(res, 401, { error: 'invalid_token' }, { 'www-authenticate': `${asked} error="invalid_token"` });
  return reply(res, 200, {
    client_id: token.clientId, sub: token.accountId, scope: token.scope, aud: token.aud, jkt: token.jkt, x5t: bound,
  });
}

const listening = async (listener) => {
  await new Promise((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
  return `127.0.0.1:${listener.address().port}`;
};

// One provider behind its listeners, of which the first is the issuer's. Ports are the system's, so all listen first.
function serve(issuer, listeners, settings) {
  const provider = new Provider(issuer, settings);
  for (const event of ['grant', 'revocation', 'introspection', 'userinfo', 'authorization']) {
    provider.on(`${event}.error`, note(`${event}.error`));
  }
  provider.on('server_error', note('server_error'));
  provider.on('grant.success', (ctx) => seen.grants.push({ client_id: ctx.oidc.client.clientId, grant_type: ctx.oidc.params.grant_type }));
  for (const kind of ['access_token', 'client_credentials', 'refresh_token']) {
    provider.on(`${kind}.destroyed`, (token) => seen.revoked.push({ client_id: token.clientId, kind }));
  }
  const rest = provider.callback();
  const answer = async (req, res) => {
    const base = `${req.socket.encrypted ? 'https' : 'http'}://${req.headers.host}`;
    const { pathname } = new URL(req.url, base);
    const [, room, name] = pathname.split('/');
    try {
      if (room === 'api') return await api(provider, `${base}${pathname}`, req, res);
      if (room === '_test' && name === 'interaction') return await agree(provider, req, res);
      if (room === '_test' && name === 'seen') return reply(res, 200, forget());
      return rest(req, res);
    } catch (error) {
      seen.errors.push({ event: 'server_error', error: String(error), trace: error.stack });
      return reply(res, 500, { error: String(error) });
    }
  };
  for (const listener of listeners) listener.on('request', answer);
  return issuer;
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.once('line', async (line) => {
  const { clients, tls } = JSON.parse(line);
  const [open, closed] = [http.createServer(), https.createServer(tls)];
  // It alone asks for a certificate, so a client that presents one has to find it by the metadata (RFC 8705 section 5).
  const mutual = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
  const [issuer, tlsIssuer, alias] = [
    `http://${await listening(open)}`, `https://${await listening(closed)}`, `https://${await listening(mutual)}`,
  ];
  const aliases = { token_endpoint: `${alias}/token`, revocation_endpoint: `${alias}/token/revocation` };
  serve(issuer, [open], configuration(clients));
  serve(tlsIssuer, [closed, mutual], { ...configuration(clients), discovery: { mtls_endpoint_aliases: aliases } });
  process.stdout.write(`${JSON.stringify({ issuer, tls_issuer: tlsIssuer, mutual_tls: alias })}\n`);
});
