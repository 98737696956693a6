// An application in Express that has phone numbers confirmed by OpenID Connect, with oauth4webapi, step by step.
//
//     npm install
//     textproof keys add shop --redirect-uri http://127.0.0.1:5000/callback
//     VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… PORT=5000 node oauth4webapi.mjs

import { randomBytes } from "node:crypto";
import express from "express";
import session from "express-session";
import * as oauth from "oauth4webapi";

const { VERIFY_URL, VERIFY_KEY, PORT = "5000" } = process.env;
const home = `http://127.0.0.1:${PORT}`;
// Without it, only https will do: leave it out where Textproof has a public address.
const options = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(VERIFY_URL);
const textproof = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
const client = { client_id: "shop" };

const app = express();
const secret = process.env.SECRET_KEY ?? randomBytes(32).toString("hex");
app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { sameSite: "lax" } }));

app.get("/", (_request, response) => {
  response.send('<!doctype html><a href="/login">Confirm your number</a>');
});

app.get("/login", async (request, response) => {
  const begun = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  request.session.begun = begun;
  const asked = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: `${home}/callback`,
    response_type: "code",
    scope: "openid phone",
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: "S256",
  });
  response.redirect(303, `${textproof.authorization_endpoint}?${asked}`);
});

app.get("/callback", async (request, response) => {
  const begun = request.session.begun;
  delete request.session.begun; // good once
  try {
    const facts = oauth.validateAuthResponse(textproof, client, new URL(request.originalUrl, home), begun.state);
    const proof = oauth.ClientSecretBasic(VERIFY_KEY);
    const args = [textproof, client, proof, facts, `${home}/callback`, begun.verifier, options];
    const given = await oauth.authorizationCodeGrantRequest(...args);
    const checks = { expectedNonce: begun.nonce, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(textproof, client, given, checks);
    await oauth.validateApplicationLevelSignature(textproof, given, options);
    response.type("text").send(`Confirmed: ${oauth.getValidatedIdTokenClaims(tokens).phone_number}`);
  } catch {
    response.status(400).type("text").send("Please start again.");
  }
});

app.listen(Number(PORT), "127.0.0.1");
