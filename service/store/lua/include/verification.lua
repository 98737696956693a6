-- The head of every script of a verification: its keys and arguments by name; a verb's own come after them.
local KEYRING, RECORD, TOKEN, NUMBER, ROW, TRAIL, FIGURES = unpack(KEYS)
local KEYRING_ID, CALLER_NOW, SOURCE, TOLD_APART, CLIENT, DESTINATION = unpack(ARGV)
TOLD_APART = TOLD_APART == '1'
-- @include constants
-- @include record
