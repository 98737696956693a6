"""The domain: what a verification is and what it promises.

Standard library, phonenumbers, and cryptography for the keyring only. Time, memory and messages come in through
the ports of `ports.py`.
"""
