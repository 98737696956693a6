// A whole application in Express behind a confirmed number, by the middleware express-openid-connect.
//
//     npm install
//     textproof keys add shop --redirect-uri http://127.0.0.1:5000/callback
//     VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… PORT=5000 node middleware.mjs

import { randomBytes } from "node:crypto";
import express from "express";
import oidc from "express-openid-connect";

const { VERIFY_URL, VERIFY_KEY, VERIFY_ALG = "RS256", SECRET_KEY, PORT = "5000" } = process.env;
const app = express();

app.use(
  oidc.auth({
    issuerBaseURL: VERIFY_URL,
    baseURL: `http://127.0.0.1:${PORT}`,
    clientID: "shop",
    clientSecret: VERIFY_KEY,
    idTokenSigningAlg: VERIFY_ALG, // as `keys add --alg` said
    secret: SECRET_KEY ?? randomBytes(32).toString("hex"),
    authorizationParams: { response_type: "code", scope: "openid phone" },
  }),
);

app.get("/", (request, response) => {
  response.type("text").send(`Confirmed: ${request.oidc.user.phone_number}`);
});

app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).type("text").send("Please start again.");
});

app.listen(Number(PORT), "127.0.0.1");
