// An application in Express that has phone numbers confirmed by OpenID Connect, with Auth.js (next-auth 5 is the same core).
//
//     npm install
//     textproof keys add shop --redirect-uri http://127.0.0.1:5000/auth/callback/textproof
//     VERIFY_URL=http://127.0.0.1:8000 VERIFY_KEY=tp_… PORT=5000 node authjs.mjs

import { randomBytes } from "node:crypto";
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";

const { VERIFY_URL, VERIFY_KEY, SECRET_KEY, PORT = "5000" } = process.env;
const auth = {
  secret: SECRET_KEY ?? randomBytes(32).toString("hex"),
  trustHost: true,
  providers: [
    {
      id: "textproof",
      name: "your phone number",
      type: "oidc",
      issuer: VERIFY_URL,
      clientId: "shop",
      clientSecret: VERIFY_KEY,
      authorization: { params: { scope: "openid phone" } },
      checks: ["pkce", "state", "nonce"],
    },
  ],
  callbacks: {
    jwt: ({ token, profile }) => (profile ? { ...token, phone: profile.phone_number } : token),
    session: ({ session, token }) => ({ ...session, phone: token.phone }),
  },
};

const app = express();
app.use("/auth", ExpressAuth(auth));

app.get("/", async (request, response) => {
  const session = await getSession(request, auth);
  if (session) response.type("text").send(`Confirmed: ${session.phone}`);
  else response.send('<!doctype html><a href="/auth/signin">Confirm your number</a>');
});

app.listen(Number(PORT), "127.0.0.1");
