import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Product } from '../support/product.ts';

/** Calls a running product's API with the operator's token, which its data folder holds. */
export function operatorOf(product: Product) {
  const token: string = JSON.parse(readFileSync(path.join(product.data, 'secrets.json'), 'utf8')).operatorToken;
  return {
    token,
    async call(method: string, route: string, body?: object): Promise<unknown> {
      const response = await fetch(`${product.url}/v1${route}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
        body: body ? JSON.stringify(body) : undefined,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
  };
}
