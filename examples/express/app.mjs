// An application in Express that has phone numbers confirmed by OpenID Connect, with openid-client.
//
//     npm install
//     textproof keys add shop --redirect-uri http://127.0.0.1:5000/callback
//     VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… PORT=5000 node app.mjs

import { randomBytes } from "node:crypto";
import express from "express";
import session from "express-session";
import * as client from "openid-client";

const { VERIFY_URL, VERIFY_KEY, VERIFY_ALG = "RS256", PORT = "5000" } = process.env;
const home = `http://127.0.0.1:${PORT}`;
const shop = { client_secret: VERIFY_KEY, id_token_signed_response_alg: VERIFY_ALG }; // as `keys add --alg` said
// Without the option, only https will do: leave it out where Textproof has a public address.
const textproof = await client.discovery(new URL(VERIFY_URL), "shop", shop, undefined, {
  execute: [client.allowInsecureRequests],
});

const app = express();
const secret = process.env.SECRET_KEY ?? randomBytes(32).toString("hex");
app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { sameSite: "lax" } }));

app.get("/", (_request, response) => {
  response.send('<!doctype html><a href="/login">Confirm your number</a>');
});

// Push what we ask for, so that none of it is in an address, and remember in our session what must come back.
app.get("/login", async (request, response) => {
  const begun = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
  request.session.begun = begun;
  const address = await client.buildAuthorizationUrlWithPAR(textproof, {
    redirect_uri: `${home}/callback`,
    scope: "openid phone",
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: "S256",
  });
  response.redirect(303, address.href);
});

app.get("/callback", async (request, response) => {
  const begun = request.session.begun;
  delete request.session.begun; // good once
  try {
    const tokens = await client.authorizationCodeGrant(textproof, new URL(request.originalUrl, home), {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    });
    response.type("text").send(`Confirmed: ${tokens.claims().phone_number}`);
  } catch {
    response.status(400).type("text").send("Please start again.");
  }
});

app.listen(Number(PORT), "127.0.0.1");
