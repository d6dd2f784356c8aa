export { createJwtAuthorize, type JwtAuthorizeOptions } from './lib/adapters/jwt/jwt-authorize.ts';
export { JWT_ALGORITHMS, type JwtAlgorithm } from './lib/ports/jwt-algorithms.ts';
