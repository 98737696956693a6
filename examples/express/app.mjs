// An application in Express that sends people to Textproof's pages, and checks the result by itself.
//
//     npm install
//     textproof keys add shop --return-url http://127.0.0.1:5000/phone
//     VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… PORT=5000 node app.mjs

import { randomBytes } from "node:crypto";
import express from "express";
import session from "express-session";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { VERIFY_URL, VERIFY_KEY, PORT = "5000" } = process.env;
const CLIENT = "shop"; // as the key was made for
const published = createRemoteJWKSet(new URL("/.well-known/jwks.json", VERIFY_URL));
const random = () => randomBytes(24).toString("base64url");

const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(session({ secret: process.env.SECRET_KEY ?? random(), resave: false, saveUninitialized: false, cookie: { sameSite: "lax" } }));

app.get("/", (request, response) => {
  response.send('<!doctype html><form method="post" action="/confirm"><input name="phone" placeholder="phone"><button>Go</button></form>');
});

// Open a session, and remember in ours what must come back.
app.post("/confirm", async (request, response) => {
  Object.assign(request.session, { state: random(), nonce: random() });
  const { state, nonce } = request.session;
  const answer = await fetch(new URL("/v1/sessions", VERIFY_URL), {
    method: "POST",
    headers: { Authorization: `Bearer ${VERIFY_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ return_url: `http://127.0.0.1:${PORT}/phone`, state, nonce, to: request.body.phone }),
    signal: AbortSignal.timeout(10_000),
  });
  const said = await answer.json();
  if (answer.status === 201) response.redirect(303, said.url);
  else response.status(400).type("text").send(said.detail);
});

// Take the browser back. Who has no `state` of ours did not start here; each is good once.
app.get("/phone", async (request, response) => {
  const { state, nonce } = request.session;
  delete request.session.state;
  delete request.session.nonce;
  if (!state || request.query.state !== state) return response.status(400).send("Please start again.");
  try {
    const { payload } = await jwtVerify(String(request.query.result), published, { algorithms: ["ES256"], audience: CLIENT, clockTolerance: 5 });
    if (payload.nonce !== nonce) throw new Error("another session's");
    response.type("text").send(`Confirmed: ${payload.sub}`);
  } catch {
    response.status(400).send("That took too long. Please start again.");
  }
});

app.listen(Number(PORT), "127.0.0.1");
