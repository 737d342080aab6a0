// SPDX-License-Identifier: Apache-2.0
// A library without symbols: a driver that is only there, or a module without an entry.
