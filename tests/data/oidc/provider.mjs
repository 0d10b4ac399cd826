// A certified OpenID provider for tests: oidc-provider on a port of loopback.
//
// It prints its issuer as the first line. Each line on standard input is a command: "rotate" replaces
// the signing keys, "down" makes it answer 503 to everything, "up" ends that. Each is answered "ok".
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const AUDIENCE = "https://backend.example";
let number = 0;

function keys() {
  number += 1;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  return {
    keys: [
      { ...rsa, kid: `rsa-${number}`, use: "sig", alg: "RS256" },
      { ...ec, kid: `ec-${number}`, use: "sig", alg: "ES256" },
    ],
  };
}

function provider(issuer) {
  return new Provider(issuer, {
    jwks: keys(),
    clients: [
      {
        client_id: "player-of-the-test",
        client_secret: "a secret with spaces & signs: +%",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: "rejoin-of-the-test",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: [
          "authorization_code",
          "refresh_token",
          "urn:ietf:params:oauth:grant-type:device_code",
        ],
        redirect_uris: ["http://127.0.0.1/sign-in"],
        response_types: ["code"],
      },
    ],
    scopes: ["openid", "offline_access", "play"],
    ttl: { IdToken: 300 },
    features: {
      // Anybody may sign in under any name, and agrees by a click.
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: "play",
          audience: AUDIENCE,
          accessTokenTTL: resource.endsWith("/short") ? 1 : resource.endsWith("/brief") ? 6 : 600,
          accessTokenFormat: resource.endsWith("/opaque") ? "opaque" : "jwt",
          jwt: { sign: { alg: resource.endsWith("/ec") ? "ES256" : "RS256" } },
        }),
      },
    },
  });
}

let down = false;
let handler = null;
const server = createServer((request, response) => {
  if (down) {
    response.writeHead(503).end();
  } else {
    handler(request, response);
  }
});
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handler = provider(issuer).callback();
  console.log(issuer);
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      if (line === "rotate") handler = provider(issuer).callback();
      else down = line === "down";
      console.log("ok");
    })
    .on("close", () => process.exit(0));
});
