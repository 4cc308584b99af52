public import ArgumentParser
public import Logging

/// The value of `--log-level`.
extension Logger.Level: @retroactive ExpressibleByArgument {}
