-- The head of every script of a verification: its keys and arguments by name; a verb's own come after them.
local KEYRING, RECORD, TOKEN, NUMBER, ROW, CHECKS = unpack(KEYS)
local KEYRING_ID, CALLER_NOW, RULES, SOURCE, CLIENT = unpack(ARGV)
-- @include record
