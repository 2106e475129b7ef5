// What libjeton says no to, as an error whose code is the name of the status: "JETON_EXPIRED".

export class JetonError extends Error {
  /** @param {string} code @param {string} message @param {number} [status] */
  constructor(code, message, status = -1) {
    super(message);
    this.name = 'JetonError';
    this.code = code;
    this.status = status;
  }
}

export const closed = (name) => new JetonError('JETON_CLOSED', `token '${name}' is closed`);
