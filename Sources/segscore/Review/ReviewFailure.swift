/// Why a review cannot begin, or what comes of it cannot be written, in words.
struct ReviewFailure: Error {
    let sentence: String
}
