// better-auth with its phone-number plugin, as `make bench` measures it beside the service. It listens on PORT.
//
// /api/auth/*  its own router: phone-number/send-otp and phone-number/verify
// /consume     the code alone, without a user and a session: a call of its server API, which has no route of its own
// /pending     for the bench: starts for many numbers at once, and their codes
//
// Codes and sessions are in Redis, in better-auth's own storage for it. Users are in SQLite, in memory.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";

import { redisStorage } from "@better-auth/redis-storage";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { phoneNumber } from "better-auth/plugins/phone-number";
import { Redis } from "ioredis";
import { SqliteDialect } from "kysely";
import Database from "libsql";

const sent = new Map();

const auth = betterAuth({
  baseURL: "http://localhost",
  secret: "0123456789abcdef".repeat(2),
  database: { dialect: new SqliteDialect({ database: new Database(":memory:") }), type: "sqlite" },
  secondaryStorage: redisStorage({ client: new Redis(process.env.REDIS_URL) }),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    phoneNumber({
      expiresIn: 600, // seconds, as the service's
      sendOTP: ({ phoneNumber, code }) => void sent.set(phoneNumber, code),
      signUpOnVerification: { getTempEmail: (number) => `${number.slice(1)}@example.com` },
    }),
  ],
});
await (await getMigrations(auth.options)).runMigrations();

async function start(phoneNumber) {
  await auth.api.sendPhoneNumberOTP({ body: { phoneNumber } });
  return sent.get(phoneNumber);
}

const own = {
  "/consume": (body) => auth.api.consumePhoneNumberOTP({ body }),
  "/pending": (numbers) => Promise.all(numbers.map(start)),
};

async function answer(act, request, response) {
  const text = JSON.stringify(await act(await json(request)));
  response.setHeader("Content-Type", "application/json").end(text);
}

function refuse(error, response) {
  response.statusCode = error.statusCode ?? 500;
  response.end();
}

const router = toNodeHandler(auth);
const server = createServer((request, response) => {
  const act = own[request.url];
  if (act) answer(act, request, response).catch((error) => refuse(error, response));
  else router(request, response);
});
server.listen(Number(process.env.PORT), "127.0.0.1");
